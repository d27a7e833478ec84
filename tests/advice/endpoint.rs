//! What the client makes of each behaviour of an endpoint.

use std::time::{Duration, Instant};

use amazon_tracker::advice::{AttemptCost, CutOff, Exchange, ModelClient, ModelError, Usage};

use crate::model_endpoint::{
    Behaviour, CACHED_TOKENS, INPUT_TOKENS, KEY, MODEL, ModelEndpoint, OUTPUT_TOKENS, REASONING_TOKENS,
};
use crate::question::{FORMS, client, client_with, good_answer, question};

const UNKNOWN: AttemptCost = AttemptCost::Unknown { reserved_nanos: 7 };
const USED: AttemptCost = AttemptCost::Used(Usage {
    input_tokens: INPUT_TOKENS,
    cached_input_tokens: CACHED_TOKENS,
    output_tokens: OUTPUT_TOKENS,
    reasoning_tokens: REASONING_TOKENS,
});

async fn ask(client: &ModelClient) -> Exchange {
    let body = client.body(&question("Simhaus Kettle 1.7 l").request());
    client.ask(body, 7).await
}

#[tokio::test]
async fn an_answer_is_read_with_its_usage_in_both_forms() {
    for form in FORMS {
        let endpoint = ModelEndpoint::start(good_answer());
        let exchange = ask(&client(&endpoint, form)).await;
        assert_eq!(exchange, Exchange { text: Ok(good_answer()), attempts: vec![USED] }, "{form:?}");
        let request = &endpoint.requests()[0];
        assert_eq!(request["model"], MODEL);
        assert!(request.get("tools").is_none(), "{request}");
        let shown = request.to_string();
        assert!(shown.contains(r#""enum":["f1","f2"]"#), "{shown}");
        match form {
            amazon_tracker::config::AdviceForm::Responses => {
                assert_eq!(request["store"], false);
                assert_eq!(request["max_output_tokens"], 1000);
                assert_eq!(request["text"]["format"]["strict"], true);
            }
            amazon_tracker::config::AdviceForm::Chat => {
                assert_eq!(request["messages"][0]["role"], "system");
                assert_eq!(request["max_tokens"], 1000);
                assert_eq!(request["response_format"]["json_schema"]["strict"], true);
            }
        }
    }
}

#[tokio::test]
async fn what_another_attempt_cannot_change_is_asked_once() {
    let refused = |status, code: &str| ModelError::Refused { status, code: code.to_owned() };
    for form in FORMS {
        let endpoint = ModelEndpoint::start(good_answer());
        let client = client(&endpoint, form);
        for (behaviour, expected, cost) in [
            (Behaviour::ContextTooLong, ModelError::TooLong, AttemptCost::Refused),
            (Behaviour::Unauthorized, ModelError::Unauthorized, AttemptCost::Refused),
            (Behaviour::Forbidden, ModelError::Forbidden, AttemptCost::Refused),
            (Behaviour::NoSuchModel, ModelError::UnknownModel, AttemptCost::Refused),
            (Behaviour::NoQuota, ModelError::NoMoney, AttemptCost::Refused),
            (Behaviour::Status(422, None), refused(422, ""), AttemptCost::Refused),
            (Behaviour::Status(503, Some(false)), ModelError::ServerFailed(503), AttemptCost::Refused),
            (Behaviour::Status(504, Some(false)), ModelError::ServerFailed(504), UNKNOWN),
            (Behaviour::Incomplete, ModelError::CutOff(CutOff::MaxOutputTokens), USED),
            (Behaviour::Filtered, ModelError::CutOff(CutOff::ContentFilter), USED),
            (Behaviour::Refusal, ModelError::Declined, USED),
        ] {
            let asked = endpoint.requests().len();
            endpoint.behave([behaviour.clone()]);
            let exchange = ask(&client).await;
            assert_eq!(exchange, Exchange { text: Err(expected), attempts: vec![cost] }, "{form:?} {behaviour:?}");
            assert_eq!(endpoint.requests().len(), asked + 1, "{form:?} {behaviour:?}");
        }
        for behaviour in [Behaviour::Html, Behaviour::Stream] {
            endpoint.behave([behaviour.clone()]);
            let Exchange { text, attempts } = ask(&client).await;
            assert!(matches!(text, Err(ModelError::Unreadable(_))), "{form:?} {behaviour:?}: {text:?}");
            assert_eq!(attempts, [UNKNOWN]);
        }
        endpoint.behave([Behaviour::Failed]);
        let Exchange { text, attempts } = ask(&client).await;
        assert_eq!((text, attempts.len()), (Err(ModelError::Failed("server_error".to_owned())), 1), "{form:?}");
        endpoint.behave([Behaviour::NoUsage(good_answer())]);
        assert_eq!(ask(&client).await, Exchange { text: Ok(good_answer()), attempts: vec![UNKNOWN] }, "{form:?}");
    }
}

#[tokio::test]
async fn what_may_pass_is_asked_up_to_three_times() {
    for form in FORMS {
        let endpoint = ModelEndpoint::start(good_answer());
        let client = client(&endpoint, form);
        let soon = Behaviour::RateLimited { retry_after_ms: "20", retry_after: "60" };
        endpoint.behave([soon.clone(), Behaviour::Status(500, None)]);
        let began_at = Instant::now();
        let exchange = ask(&client).await;
        let attempts = vec![AttemptCost::Refused, AttemptCost::Refused, USED];
        assert_eq!(exchange, Exchange { text: Ok(good_answer()), attempts }, "{form:?}");
        let took = began_at.elapsed();
        assert!((Duration::from_millis(770)..Duration::from_secs(10)).contains(&took), "{took:?}");
        endpoint.behave([soon.clone(), soon.clone(), soon]);
        let exchange = ask(&client).await;
        assert_eq!((exchange.text, exchange.attempts.len()), (Err(ModelError::RateLimited), 3));
        endpoint.behave([Behaviour::Status(400, Some(true))]);
        assert_eq!(ask(&client).await.attempts, [AttemptCost::Refused, USED]);
    }
}

#[tokio::test]
async fn an_answer_that_is_lost_may_have_cost_what_was_reserved() {
    for form in FORMS {
        let endpoint = ModelEndpoint::start(good_answer());
        endpoint.behave([Behaviour::Reset]);
        let exchange = ask(&client(&endpoint, form)).await;
        assert_eq!(exchange, Exchange { text: Ok(good_answer()), attempts: vec![UNKNOWN, USED] }, "{form:?}");
        endpoint.behave([Behaviour::Hang]);
        let exchange = ask(&client_with(&endpoint, form, |settings| settings.timeout_secs = 1)).await;
        assert_eq!(exchange, Exchange { text: Ok(good_answer()), attempts: vec![UNKNOWN, USED] }, "{form:?}");
    }
}

#[tokio::test]
async fn what_was_never_sent_costs_nothing() {
    let endpoint = ModelEndpoint::start(good_answer());
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let nobody = client_with(&endpoint, FORMS[0], |settings| {
        settings.base_url = format!("http://{free}/v1").parse().unwrap();
    });
    let exchange = ask(&nobody).await;
    assert!(matches!(exchange.text, Err(ModelError::NoAnswer(_))), "{exchange:?}");
    assert_eq!(exchange.attempts, []);
}

#[tokio::test]
async fn errors_never_quote_the_key() {
    let endpoint = ModelEndpoint::start(good_answer());
    for behaviour in [Behaviour::Unauthorized, Behaviour::ContextTooLong, Behaviour::Status(422, None)] {
        endpoint.behave([behaviour]);
        let error = ask(&client(&endpoint, FORMS[0])).await.text.unwrap_err();
        assert!(!format!("{error} {error:?}").contains(KEY), "{error:?}");
    }
    let stranger = client_with(&endpoint, FORMS[1], |settings| settings.api_key = Some("another".into()));
    assert_eq!(ask(&stranger).await.text, Err(ModelError::Unauthorized));
}
