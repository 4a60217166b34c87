// A file:// page may not read another, so the excerpts below the results are shown only where they can be fetched.
DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = location.protocol !== "file:";
