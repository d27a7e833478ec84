"""Asks the endpoint of the tests with OpenAI's official client, in the order of official_client.rs."""

import sys

import openai

url, key, model = sys.argv[1:]
client = openai.OpenAI(base_url=url, api_key=key, timeout=10)
schema = {
    "type": "object",
    "additionalProperties": False,
    "required": ["suggestions"],
    "properties": {"suggestions": {"type": "array", "items": {"type": "string"}}},
}


def responses():
    text = {"format": {"type": "json_schema", "name": "x", "strict": True, "schema": schema}}
    return client.responses.create(model=model, input="?", text=text, store=False, max_output_tokens=100)


def chat():
    form = {"type": "json_schema", "json_schema": {"name": "x", "strict": True, "schema": schema}}
    return client.chat.completions.create(
        model=model, messages=[{"role": "user", "content": "?"}], response_format=form, max_tokens=100
    )


def text_of(answer):
    return answer.output_text if hasattr(answer, "output_text") else answer.choices[0].message.content


def expect(error, ask):
    try:
        ask()
    except error as raised:
        return raised
    raise AssertionError(f"{error.__name__} was not raised")


for ask in (responses, chat):
    is_chat = ask is chat
    answer = ask()
    assert "suggestions" in text_of(answer), answer
    usage = answer.usage
    if is_chat:
        counted = (usage.prompt_tokens, usage.prompt_tokens_details.cached_tokens, usage.completion_tokens)
    else:
        counted = (usage.input_tokens, usage.input_tokens_details.cached_tokens, usage.output_tokens)
    assert counted == (900, 300, 120), usage

    # 429 with its headers, then 500: asked again by itself.
    assert "suggestions" in text_of(ask())
    expect(openai.InternalServerError, ask)
    assert expect(openai.BadRequestError, ask).code == "context_length_exceeded"
    expect(openai.AuthenticationError, ask)
    expect(openai.PermissionDeniedError, ask)
    assert expect(openai.NotFoundError, ask).code == "model_not_found"

    for reason, finish_reason in (("max_output_tokens", "length"), ("content_filter", "content_filter")):
        answer = ask()
        if is_chat:
            assert answer.choices[0].finish_reason == finish_reason, answer
        else:
            assert (answer.status, answer.incomplete_details.reason) == ("incomplete", reason), answer

    answer = ask()
    if is_chat:
        assert answer.choices[0].message.refusal, answer
    else:
        assert answer.output[-1].content[0].type == "refusal", answer

    assert ask().usage is None
    # The connection ends within the answer: asked again by itself.
    assert "suggestions" in text_of(ask())

print("ok")
