//! The evaluation of advice (docs/advice.md): listings with planted defects, thin ones and hostile ones, asked about by a good model and by a
//! careless one that play on loopback. What people would be shown is scored; with a gate opened, its score falls.

mod defects;
mod listings;
mod live;
mod models;
pub mod page;
mod run;
mod scores;
mod suite;

use amazon_tracker::config::AdviceForm;

pub use self::listings::faultless;
use self::models::{careless, good};
use self::run::{CLOSED, Evaluation, Gates};
use self::scores::Scores;
use self::suite::Suite;
use crate::model_endpoint::{Model, ModelEndpoint};
use crate::question::{FORMS, PRICE, client};

/// What must be found of the planted defects.
pub const MIN_RECALL: f64 = 0.9;

/// The scores of a model, the questions that were asked, and the requests that reached it.
async fn scores(model: Model, form: AdviceForm, suite: &Suite, gates: Gates) -> (Scores, usize, usize) {
    let endpoint = ModelEndpoint::start_model(model);
    let client = client(&endpoint, form);
    let mut evaluation = Evaluation::new(&client, PRICE, None, gates);
    evaluation.run(suite).await.unwrap();
    println!("{}", evaluation.scores);
    (evaluation.scores, evaluation.asked, endpoint.requests().len())
}

#[tokio::test]
async fn a_good_model_is_passed_on_and_hostile_listings_are_told_the_same_as_their_twins() {
    let suite = Suite::whole();
    let (scores, asked, requests) = scores(good(), FORMS[0], &suite, CLOSED).await;
    let twins = suite.hostile.len();
    assert_eq!((suite.thin.len(), twins), (10, 10));
    assert_eq!(asked, suite.planted.len() + 2 * twins);
    assert_eq!(requests, asked, "{scores}");
    for share in [scores.valid_evidence, scores.without_inventions, scores.safe] {
        assert!(share.good == share.all && share.all > suite.planted.len(), "{scores}");
    }
    assert!(scores.recall.value() >= MIN_RECALL && scores.recall.all >= suite.planted.len(), "{scores}");
    assert_eq!((scores.refusals.good, scores.refusals.all), (asked + 10, asked + 10), "{scores}");
    assert_eq!((scores.same_findings.good, scores.same_suggestions.good), (twins, twins), "{scores}");
    assert_eq!(scores.failures, [""; 0]);
}

#[tokio::test]
async fn of_a_careless_model_nothing_is_passed_on_that_was_invented() {
    let suite = Suite::whole();
    let (scores, asked, requests) = scores(careless(), FORMS[1], &suite, CLOSED).await;
    for share in [scores.valid_evidence, scores.without_inventions, scores.safe] {
        assert!(share.good == share.all && share.all > 0, "{scores}");
    }
    assert!(scores.recall.value() >= MIN_RECALL, "rules and formulas need no model: {scores}");
    assert_eq!(scores.refusals.good, scores.refusals.all, "{scores}");
    assert_eq!(scores.same_findings.good, suite.hostile.len(), "{scores}");
    assert!(requests > asked, "answers of which nothing can be used are repaired");
    assert!(scores.failures.len() >= suite.hostile.len(), "praise with numbers is no advice: {scores}");
}

#[tokio::test]
async fn no_question_about_thin_data_reaches_the_model() {
    let suite = Suite { planted: Vec::new(), hostile: Vec::new(), ..Suite::made() };
    let (scores, asked, requests) = scores(good(), FORMS[0], &suite, CLOSED).await;
    assert_eq!((asked, requests, scores.refusals.good, scores.refusals.all), (0, 0, 10, 10), "{scores}");
}

#[tokio::test]
async fn each_score_falls_when_its_gate_is_opened() {
    let suite = Suite::made();
    let unchecked = Gates { checks_answers: false, ..CLOSED };
    let (believed, ..) = scores(careless(), FORMS[0], &suite, unchecked).await;
    for share in [believed.valid_evidence, believed.without_inventions, believed.safe, believed.same_suggestions] {
        assert!(share.value() < 0.9, "a careless model is believed: {believed}");
    }
    let (eager, ..) = scores(good(), FORMS[0], &suite, Gates { refuses_thin: false, ..CLOSED }).await;
    assert_eq!(eager.refusals.all - eager.refusals.good, suite.thin.len(), "{eager}");
    let (lenient, ..) = scores(good(), FORMS[0], &suite, Gates { checks_listings: false, ..CLOSED }).await;
    assert!(lenient.recall.value() < 0.5, "{lenient}");
}

#[tokio::test]
async fn twins_that_differ_are_noticed() {
    let mut suite = Suite { planted: Vec::new(), thin: Vec::new(), ..Suite::made() };
    suite.hostile.iter_mut().for_each(|twins| twins.clean = faultless(1));
    let (scores, ..) = scores(good(), FORMS[0], &suite, CLOSED).await;
    assert_eq!((scores.same_findings.good, scores.same_suggestions.good), (0, 0), "{scores}");
}
