"""Stage 04's Django project, in this process, with a database of its own."""

import pytest


@pytest.fixture(scope="session")
def database(tmp_path_factory):
    return tmp_path_factory.mktemp("stage_04") / "test.sqlite3"


@pytest.fixture(scope="module", autouse=True)
def project_environment(database):
    """Settings are read once, when the project is first imported: so before that.

    Set for one file of this folder at a time: other folders' tests see nothing of it.
    """
    with pytest.MonkeyPatch.context() as patch:
        for name in ("SECRET_KEY", "DEBUG", "ALLOWED_HOSTS", "CSRF_TRUSTED_ORIGINS"):
            patch.delenv(name, raising=False)
        patch.setenv("DATABASE_URL", f"sqlite:///{database}")
        patch.setenv("DJANGO_SETTINGS_MODULE", "websocket_app.settings")
        yield


@pytest.fixture(scope="module")
def application(project_environment):
    from websocket_app.asgi import application

    return application
