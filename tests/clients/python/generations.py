"""The generations of the SDK behind one face: an operation's name and its parameters in, the body out.

Parameters and bodies have the names of the API; each generation makes its own typed request of them, signs it in its own way,
and parses the answer with its own models, as it does for everyone who uses it.
"""

import importlib
import json
import re

from aliyunsdkcore.acs_exception.exceptions import ClientException, ServerException
from aliyunsdkcore.client import AcsClient
from alibabacloud_edas20170801 import models
from alibabacloud_edas20170801.client import Client
from alibabacloud_tea_openapi.exceptions import AlibabaCloudException
from alibabacloud_tea_openapi.utils_models import Config

REGION = "cn-hangzhou"


class GatewayRefusal(Exception):
    """The request did not get as far as an operation: HTTP status, Code and Message."""

    def __init__(self, status, code, message):
        super().__init__(f"HTTP {status}, {code}: {message}")
        self.status, self.code, self.message = status, code, message


class Legacy:
    """aliyun-python-sdk-edas on aliyun-python-sdk-core: HMAC-SHA1, no nonce, the region in query and header."""

    name = "legacy"

    def __init__(self, host, access_key_id, access_key_secret):
        self._address, port = host.rsplit(":", 1)
        self._client = AcsClient(access_key_id, access_key_secret, REGION, port=int(port))

    def parameters(self, operation):
        """The names of the parameters that it has for an operation; `None` if it does not have the operation."""
        try:
            request = self._request(operation)
        except ModuleNotFoundError:
            return None
        return {name.removeprefix("set_") for name in dir(request) if name.startswith("set_")}

    def call(self, operation, extensions=None, **parameters):
        """Calls an operation; `extensions` are parameters of Sternway's own, for which no SDK has a setter."""
        request = self._request(operation)
        request.set_endpoint(self._address)
        for name, value in (extensions or {}).items():
            request.add_query_param(name, value)
        for name, value in parameters.items():
            getattr(request, f"set_{name}")(value)
        try:
            return json.loads(self._client.do_action_with_exception(request))
        except ServerException as error:
            raise GatewayRefusal(error.get_http_status(), error.get_error_code(), error.get_error_msg()) from error
        except ClientException as error:
            raise GatewayRefusal(None, error.get_error_code(), error.get_error_msg()) from error

    @staticmethod
    def _request(operation):
        module = importlib.import_module(f"aliyunsdkedas.request.v20170801.{operation}Request")
        return getattr(module, f"{operation}Request")()


class Tea:
    """alibabacloud-edas20170801 with its default signature: ACS3-HMAC-SHA256, which signs every header that it sets."""

    name = "tea-v3"
    signature_algorithm = None

    def __init__(self, host, access_key_id, access_key_secret):
        config = Config(
            access_key_id=access_key_id,
            access_key_secret=access_key_secret,
            endpoint=host,
            protocol="http",
            region_id=REGION,
            signature_algorithm=self.signature_algorithm,
        )
        self._client = Client(config)

    def parameters(self, operation):
        """The names of the parameters that it has for an operation; `None` if it does not have the operation."""
        if not hasattr(self._client, _method(operation)):
            return None
        model = _request_model(operation)
        # An operation without parameters has no request.
        return set(model(**{name: "" for name in vars(model())}).to_map()) if model else set()

    def call(self, operation, **parameters):
        """Calls an operation."""
        model = _request_model(operation)
        requests = [model().from_map(parameters)] if model else []
        missing = sorted(set(parameters) - {name for request in requests for name in request.to_map()})
        if missing:
            raise AssertionError(f"{operation} of this SDK has no parameter {', '.join(missing)}")
        try:
            answer = getattr(self._client, _method(operation))(*requests)
        except AlibabaCloudException as error:
            raise GatewayRefusal(error.status_code, error.code, error.message) from error
        return answer.body.to_map()


class TeaV2(Tea):
    """alibabacloud-edas20170801 told to sign as its predecessors did."""

    name = "tea-v2"
    signature_algorithm = "v2"


GENERATIONS = (Legacy, Tea, TeaV2)


def _request_model(operation):
    return getattr(models, f"{operation}Request", None)


def _method(operation):
    """The name of an operation's method: `InsertK8sApplication` is `insert_k8s_application`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", operation).lower()
