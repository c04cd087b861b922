import pytest


@pytest.mark.handler("tests.decoders.decode_type_a")
def test_decoder_type_a(client_with_handler):
    res = client_with_handler.post("/", json={"payload": "dev-1,42,1678886400"})
    assert res.status_code == 200
    assert res.json() == {"result": {"id": "dev-1", "value": 42.0, "timestamp": 1678886400}}

    res = client_with_handler.post("/", json={"payload": "dev-1"})
    assert res.status_code == 400
    assert res.json() == {"detail": "Expected 'id,value,timestamp', got 'dev-1'"}


@pytest.mark.handler("tests.decoders.decode_type_b")
def test_decoder_type_b(client_with_handler):
    res = client_with_handler.post("/", json={"payload": "hello"})
    assert res.status_code == 200
    assert res.json() == {"result": {"reversed": "olleh"}}


def test_default_handler(client_with_handler):
    res = client_with_handler.post("/", json={"payload": '{"key":"value"}'})
    assert res.json()["result"]["data"] == {"key": "value"}
    res = client_with_handler.post("/", json={"payload": "hello world"})
    assert res.json()["result"]["data"] == "hello world"


@pytest.mark.handler("mypkg.async_handler.handle")
def test_async_handler(client_with_handler):
    res = client_with_handler.post("/", json={"payload": "x"})
    assert res.json() == {"result": {"handler": "mypkg.async_handler", "echo": "x"}}


@pytest.mark.handler("tests.decoders.nowhere")
def test_handler_that_is_not_there(client_with_handler):
    res = client_with_handler.post("/", json={"payload": "x"})
    assert res.status_code == 500
    assert res.json() == {"detail": "Handler function not loaded"}


def test_body_without_payload(client_with_handler):
    res = client_with_handler.post("/", json={"text": "x"})
    assert res.status_code == 422
    assert res.json()["detail"][0]["loc"] == ["body", "payload"]


def test_health(client_with_handler):
    res = client_with_handler.get("/health")
    assert res.status_code == 200
    assert res.json()["status"] == "ok"
