"""Waveform to arrays: spectral and prosodic features, openSMILE, and the store that keeps them."""
