"""What survives: kill -9 under load with a ledger, clean stops, and all that must come back."""
