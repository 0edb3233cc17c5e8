"""Plan to numbers: data, backends, the trainer, run folders."""
