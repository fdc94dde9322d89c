"""Trained models on the network."""
