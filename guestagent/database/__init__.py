"""Database servers: their observed state, the steps that change it, and a dialect for each family."""
