"""The stages: what each target reads, how it is built. Stages do not import one another."""
