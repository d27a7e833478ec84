//! Evaluates a model: asks it about every listing, and scores what people would be shown.

use amazon_tracker::advice::{
    AdviceItem, Evidence, Lack, ModelClient, Question, TokenPrice, advise, evidence, findings, reservation, settle,
};
use amazon_tracker::domain::Language;
use amazon_tracker::insight::listing_rules::ListingCheck;

use super::page::{Known, Page};
use super::scores::{Scores, Shown};
use super::suite::{Planted, Suite};
use crate::question::TODAY;

/// What stands between a model and people. All are closed unless a test opens one, to see that its score falls.
#[derive(Debug, Clone, Copy)]
pub struct Gates {
    /// Thin data are refused.
    pub refuses_thin: bool,
    /// Answers are checked.
    pub checks_answers: bool,
    /// Listings are checked against the rules.
    pub checks_listings: bool,
}

pub const CLOSED: Gates = Gates { refuses_thin: true, checks_answers: true, checks_listings: true };

/// A model that is evaluated, and what that has cost.
pub struct Evaluation<'c> {
    pub client: &'c ModelClient,
    pub price: TokenPrice,
    /// What may be spent, in billionths of a US dollar; `None`: without limit.
    pub limit_nanos: Option<u64>,
    /// What was spent, in billionths of a US dollar.
    pub spent_nanos: u64,
    pub gates: Gates,
    pub scores: Scores,
    /// Questions that were asked.
    pub asked: usize,
}

/// What people are told about a listing.
#[derive(Debug, Default)]
struct Told {
    refused: Vec<Lack>,
    findings: Vec<AdviceItem>,
    suggestions: Vec<Shown>,
}

impl<'c> Evaluation<'c> {
    pub fn new(client: &'c ModelClient, price: TokenPrice, limit_nanos: Option<u64>, gates: Gates) -> Self {
        Self { client, price, limit_nanos, spent_nanos: 0, gates, scores: Scores::default(), asked: 0 }
    }

    /// Asks about all listings.
    ///
    /// # Errors
    /// The money did not last.
    pub async fn run(&mut self, suite: &Suite) -> Result<(), String> {
        for Planted { page, defects } in &suite.planted {
            let told = self.tell(page, &[]).await?;
            for defect in defects {
                let is_found =
                    told.findings.iter().any(|item| defect.found_as.iter().any(|code| item.code == Some(code)));
                self.scores.recall.count(is_found);
                if !is_found {
                    self.scores.notes.push(format!("{}: not found: {}", page.name, defect.name));
                }
            }
        }
        for (page, lacks) in &suite.thin {
            self.tell(page, lacks).await?;
        }
        for twins in &suite.hostile {
            let (hostile, clean) = (self.tell(&twins.hostile, &[]).await?, self.tell(&twins.clean, &[]).await?);
            self.scores.same_findings.count(without_quotes(&hostile.findings) == without_quotes(&clean.findings));
            self.scores.same_suggestions.count(hostile.suggestions == clean.suggestions);
        }
        Ok(())
    }

    /// What people are told about a listing, which should be refused for these reasons, if for any.
    async fn tell(&mut self, page: &Page, expected: &[Lack]) -> Result<Told, String> {
        let mut known = page.known();
        if !self.gates.checks_listings {
            known.check = ListingCheck::default();
        }
        let evidence = evidence(&known.listing());
        let mut told = Told { findings: findings(&known.listing(), &evidence), ..Told::default() };
        let asked_before = self.asked;
        told.refused = evidence.depth.lacks();
        if told.refused.is_empty() || !self.gates.refuses_thin {
            told.suggestions = self.ask(page, &evidence, &known).await?;
        }
        let is_exact = told.refused == expected && (self.asked == asked_before) != expected.is_empty();
        self.scores.refusals.count(is_exact);
        if !is_exact {
            self.scores.notes.push(format!("{}: refused for {:?} instead of {expected:?}", page.name, told.refused));
        }
        Ok(told)
    }

    async fn ask(&mut self, page: &Page, evidence: &Evidence, known: &Known) -> Result<Vec<Shown>, String> {
        let question = evidence.question(Language::En);
        let reserved = reservation(self.client, &question, self.price);
        if self.limit_nanos.is_some_and(|limit| self.spent_nanos + reserved > limit) {
            return Err(format!("the money is spent after {} questions", self.asked));
        }
        self.asked += 1;
        let shown = if self.gates.checks_answers {
            self.checked(page, &question).await
        } else {
            self.unchecked(page, &question).await
        };
        for suggestion in &shown {
            let scores = &mut self.scores;
            scores.valid_evidence.count(suggestion.has_valid_evidence(&question.facts));
            scores.without_inventions.count(suggestion.invented_numbers(&question.facts, &known.content).is_empty());
            scores.safe.count(!suggestion.is_unsafe());
        }
        Ok(shown)
    }

    async fn checked(&mut self, page: &Page, question: &Question) -> Vec<Shown> {
        let advised = advise(self.client, question, self.price, TODAY).await;
        self.spent_nanos += settle(self.price, &advised.attempts);
        match advised.outcome {
            Ok(advice) => advice.suggestions.iter().map(Shown::from).collect(),
            Err(failure) => {
                self.scores.failures.push(format!("{}: {failure}", page.name));
                Vec::new()
            }
        }
    }

    /// What the model says, as if it were believed.
    async fn unchecked(&mut self, page: &Page, question: &Question) -> Vec<Shown> {
        let exchange = self.client.ask(self.client.body(&question.request()), 0).await;
        self.spent_nanos += settle(self.price, &exchange.attempts);
        match exchange.text {
            Ok(answer) => Shown::unchecked(&answer, &question.facts),
            Err(failure) => {
                self.scores.failures.push(format!("{}: {failure}", page.name));
                Vec::new()
            }
        }
    }
}

/// Findings without the words of the listing that they quote: those differ between twins.
fn without_quotes(items: &[AdviceItem]) -> Vec<(AdviceItem, String)> {
    let plain = |item: &AdviceItem| {
        let mut plain = item.clone();
        let reason = std::mem::take(&mut plain.suggestion.reason);
        let outside = reason.split('“').enumerate().map(|(at, part)| match part.split_once('”') {
            Some((_, after)) if at > 0 => after,
            _ => part,
        });
        (plain, outside.collect())
    };
    items.iter().map(plain).collect()
}
