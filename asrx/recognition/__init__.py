"""Trained models in use: from recordings to text."""
