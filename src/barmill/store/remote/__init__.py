"""The remote: a store of records and objects elsewhere, that fills the local store and is filled from it."""
