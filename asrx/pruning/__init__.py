"""Trained models made smaller, and trained on."""
