"""One engine that shrinks a perturbation for many labels at once."""
