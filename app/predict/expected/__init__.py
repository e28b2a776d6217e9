"""What a reader of pages was told to expect: how many digits, which check they must pass, where they stand."""
