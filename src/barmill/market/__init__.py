"""What the field knows: tickers, venues, currencies, schemas, tables, quality rules. No stage, no store."""
