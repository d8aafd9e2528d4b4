"""Sphinx's settings for the browsable course; `workshop.site.pages` writes its sources.

Source: www.sphinx-doc.org/en/master/usage/configuration.html
"""

project = "WebSockets in Django, without Channels"
html_title = project
language = "en"

extensions = ["myst_nb"]
nb_execution_mode = "off"  # the notebooks come with their outputs
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 4  # as many levels as the READMEs link to
myst_links_external_new_tab = False

html_theme = "furo"
html_static_path = ["static"]
html_css_files = ["course.css"]
html_js_files = ["course.js"]
html_copy_source = False
html_show_sourcelink = False
html_show_copyright = False
html_show_sphinx = False
html_last_updated_fmt = None
html_theme_options = {
    "light_css_variables": {
        "color-brand-primary": "#0072b2",
        "color-brand-content": "#0072b2",
    },
    "dark_css_variables": {
        "color-brand-primary": "#56b4e9",
        "color-brand-content": "#56b4e9",
    },
}
