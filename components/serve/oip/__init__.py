"""The Open Inference Protocol v2, for `tritonclient`, `kserve` and their kin. Begin with `routes`."""
