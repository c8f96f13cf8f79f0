"""The log: records, their chain, the one writer, the strict reader, the store, and what keeps secrets out of it all."""
