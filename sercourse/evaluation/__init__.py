"""Metrics, calibration, significance."""
