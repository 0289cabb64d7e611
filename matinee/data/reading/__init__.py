"""Any table of ratings becomes a `Dataset`: files, folders, archives, frames and databases."""
