"""A `{term}` says what it means when the pointer rests on it, without a script: the glossary's first line."""

from docutils import nodes
from sphinx.application import Sphinx

GLOSSARY = "book/glossary"


def definitions(glossary: nodes.document) -> dict[str, str]:
    """Each term's anchor and the first line of its definition."""
    found = {}
    for item in glossary.findall(nodes.definition_list_item):
        meaning = next(item.findall(nodes.paragraph)).astext().split("\n")[0]
        for term in item.findall(nodes.term):
            found |= dict.fromkeys(term["ids"], meaning)
    return found


def explain_terms(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Give every link to a term its meaning as a title."""
    if GLOSSARY not in app.env.found_docs:
        return
    meanings: dict[str, str] = {}
    for reference in doctree.findall(nodes.reference):
        address = reference.get("refuri", "").rpartition("#")[2] or reference.get("refid", "")
        if address.startswith("term-"):
            meanings = meanings or definitions(app.env.get_doctree(GLOSSARY))
            reference["reftitle"] = meanings.get(address, "")


def setup(app: Sphinx) -> dict:
    """Look at each page when its links are known."""
    app.connect("doctree-resolved", explain_terms)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
