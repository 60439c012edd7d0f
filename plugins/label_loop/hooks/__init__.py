"""One thin hook per AWS service that the Amazon provider lacks or covers only in part."""
