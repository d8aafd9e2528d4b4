"""uvicorn without a WebSocket library, after ``pip install uvicorn``.

You see: the page loads, its websocket never opens (1006 in the browser: the answer was
the page with its status 200), and uvicorn's log says
``Unsupported upgrade request.`` and ``No supported WebSocket library detected. Please
use "pip install 'uvicorn[standard]'", or install 'websockets' or 'wsproto' manually.``
Why: uvicorn speaks HTTP by itself and leaves websockets to another package. The fix is
not in the code: ``pip install websockets``. Without removing anything, see it with

    uvicorn --app-dir 03_asgi_raw app:application --ws none
"""

# ``python -c BROKEN app:application`` is a uvicorn whose libraries are hidden.
# ``None`` in ``sys.modules``: an import of the name fails as if it were not installed.
BROKEN = """
import sys
sys.modules.update(websockets=None, wsproto=None)
sys.argv[0] = "uvicorn"
import uvicorn
uvicorn.main()
"""
FIXED = "import sys; sys.argv[0] = 'uvicorn'; import uvicorn; uvicorn.main()"
