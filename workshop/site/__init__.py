"""The course as a static site: pages to read, slides to show, and an edition to run."""
