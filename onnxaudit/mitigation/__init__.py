"""Take the backdoor out: profiling, pruning, least squares, fine-tuning."""
