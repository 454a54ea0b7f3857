"""The services beside Heat, one package per service: the API and the model of each side by side."""
