"""One thin class per AWS service that the provider lacks or serves only in part."""
