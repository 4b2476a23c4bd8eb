"""The content-addressed store: digests of files, objects, records of actions, look up, restore, save. Knows no market."""
