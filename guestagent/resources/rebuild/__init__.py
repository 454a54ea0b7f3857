"""Rebuilds a lost store from what the cloud shows. Nothing in the cloud is changed by that."""
