"""One module for each kind of source; what is special about a city is data in `mappings/`."""
