"""Links from the picture of an object in a notebook to the page about its class, once the project has a URL for it."""

from functools import cache
from importlib.metadata import PackageNotFoundError, metadata


@cache
def documentation_url() -> str:
    """Return the address of the documentation, from ``[project.urls]`` of pyproject.toml; "" if it has none.

    All links are made from it. It is known where the package is installed, not in a checkout that only stands on the
    path.
    """
    try:
        entries = metadata("skregopt").get_all("Project-URL") or []
    except PackageNotFoundError:
        return ""
    urls = dict(entry.split(", ", 1) for entry in entries)
    return urls.get("Documentation", "").rstrip("/")


class DocumentationLinkMixin:
    """Tells scikit-learn's HTML representation where the page about a class is; stands before BaseEstimator."""

    _doc_link_module = "skregopt"

    @property
    def _doc_link_template(self) -> str:
        """Address with the fields that scikit-learn fills in; "" for no link."""
        url = documentation_url()
        return f"{url}/api/{{estimator_module}}.{{estimator_name}}.html" if url else ""
