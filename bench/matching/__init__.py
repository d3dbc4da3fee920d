"""Matching side by side: each subject in a process of its own, one evaluator for all."""
