"""Observers that show, log and keep what a run does."""
