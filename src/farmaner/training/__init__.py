"""Fine-tuning and export; with `encoders.torch`, the only part that uses torch."""
