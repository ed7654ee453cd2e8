"""File to clean waveform: reading, framing, endpoint detection, noise, data balance."""
