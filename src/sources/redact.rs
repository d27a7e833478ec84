//! Removes from a page what belongs to the session that received it: ids of sessions, customers and requests, tokens, cookies, names
//! and addresses. What is left is for a person who looks for the reason why the page could not be used.
//!
//! It removes too much rather than too little: every long text of random letters and digits goes, whatever its name is. No text can be
//! proved to be free of secrets, so samples are only shown to those who operate the installation.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::{Captures, Regex};

/// In place of what was removed.
const REMOVED: &str = "[removed]";
/// A value of so many characters is removed if it mixes letters and digits: a token, a signature, an encrypted id.
const TOKEN_CHARS: usize = 32;

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("the patterns of this file are valid")
}

/// Patterns whose group `kept` stays, and whose rest is removed.
static PATTERNS: LazyLock<[Regex; 8]> = LazyLock::new(|| {
    // Names under which Amazon's pages, scripts and cookies carry what identifies a session or a customer.
    const NAMES: &str = "(?:session|customer|request|device|visitor|user|account|address|order|cart|list)[-_ ]?(?:id|token|name|key)|ubid[-_a-z]*\
         |x-(?:main|acb[a-z]*)|(?:sess-)?at-(?:main|acb[a-z]*)|sst-[a-z]+|csm-hit|(?:anti-?)?csrf[-_a-z0-9]*|[-_a-z]*token[-_a-z0-9]*|rid|auth[-_a-z]*\
         |cookie|password|e-?mail|phone(?:number)?|postal-?code|zip-?code|(?:first|last|full)-?name|street|city|ue_(?:sid|id|mid)|opfs?cart|amzn-ss-[a-z]+";
    [
        // "sessionId":"…", session-id=…; quotes may be escaped: \"sessionId\":\"…\".
        pattern(&format!(r#"(?i)(?P<kept>["'\\;&?,{{\s.]?\b(?:{NAMES})\b\\?["']?\s*[:=]\s*\\?["'])[^"'\\<>]+"#)),
        pattern(&format!(r"(?i)(?P<kept>\b(?:{NAMES})\s*=)[^\s;&,<>]+")),
        // <input name="…" value="…">, in either order of the attributes.
        pattern(&format!(
            r#"(?i)(?P<kept><(?:input|meta)\b[^>]*\b(?:name|id)\s*=\s*["'](?:{NAMES})["'][^>]*\b(?:value|content)\s*=\s*["'])[^"']*"#
        )),
        pattern(r#"(?i)(?P<kept><input\b[^>]*\btype\s*=\s*["']hidden["'][^>]*\bvalue\s*=\s*["'])[^"']{16,}"#),
        // The name of the customer and the place that is delivered to, in the head and beside the Buy Box.
        pattern(
            r#"(?is)(?P<kept>\bid\s*=\s*["'](?:glow-ingress-[a-z0-9-]+|nav-link-accountList[a-z0-9-]*|nav-greeting-name|contextualIngressPt[a-z_]*|delivery-?(?:short)?-?line|GLUXZip[a-z]*|nav-global-location[a-z-]*)["'][^>]*>)[^<]+"#,
        ),
        // Ids of sessions and orders, wherever they are.
        pattern(r"(?P<kept>)\b\d{3}-\d{7}-\d{7}\b"),
        pattern(r"(?P<kept>)\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b"),
        pattern(r"(?P<kept>)\b(?:\d{1,3}\.){3}\d{1,3}\b"),
    ]
});

/// A run of the characters of tokens. Dots and slashes end it: paths and host names stay.
static RUN: LazyLock<Regex> = LazyLock::new(|| pattern(&format!(r"[A-Za-z0-9+_=%-]{{{TOKEN_CHARS},}}")));

/// The text of a page without secrets; `known` are secrets that this installation sent, such as cookies.
pub fn redact(page: &[u8], known: &[&str]) -> String {
    // Markup of all pages is ASCII; letters of other encodings than UTF-8 are lost.
    let mut text = String::from_utf8_lossy(page).into_owned();
    for secret in known.iter().filter(|secret| !secret.is_empty()) {
        text = text.replace(secret, REMOVED);
    }
    for pattern in PATTERNS.iter() {
        if let Cow::Owned(replaced) = pattern.replace_all(&text, format!("${{kept}}{REMOVED}")) {
            text = replaced;
        }
    }
    let without_token = |run: &Captures<'_>| if is_token(&run[0]) { REMOVED.to_owned() } else { run[0].to_owned() };
    RUN.replace_all(&text, without_token).into_owned()
}

/// Words joined by hyphens or underscores are the names of classes; tokens mix digits with letters, or small letters with capitals.
fn is_token(run: &str) -> bool {
    let is_long_piece = |piece: &str| {
        let has = |is: fn(&char) -> bool| piece.chars().any(|c| is(&c));
        let mixed = has(char::is_ascii_lowercase) && has(char::is_ascii_uppercase);
        piece.len() >= 16 && has(char::is_ascii_digit) || piece.len() >= TOKEN_CHARS && mixed
    };
    run.split(['-', '_', '=']).any(is_long_piece) || run.chars().filter(char::is_ascii_digit).count() * 5 > run.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_identifies_the_session_or_the_customer_is_removed() {
        let page = br#"
            <span id="glow-ingress-line1">Deliver to Johanna</span><span class="x" id="glow-ingress-line2"> Springfield 12345</span>
            <span id="nav-link-accountList-nav-line-1" class="nav-line-1">Hello, Johanna</span>
            <input type="hidden" name="anti-csrftoken-a2z" value="hCsecretSecret123+/=="><input name="session-id" value="139-1234567-7654321">
            <script>ue_sid = "139-1234567-7654321"; var ue_id='ABCDEFGHJKSECRET1234';
            P.config({"customerId":"A1SECRETCUSTOMER","requestId" : "RSECRETREQ","escaped":"{\"sessionId\":\"SECRETSESSION\"}"});
            document.cookie = "ubid-main=131-7654321-SECRET; at-main=Atza|SECRETsecret; session-token=SECRETtoken";
            fetch("/x?csrf=SECRETcsrf&asin=B08PZHYWJS");</script>
            <a href="mailto:johanna@example.com">mail</a> from 203.0.113.7
            <div data-x="eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9SECRETSECRETSECRET"></div> a cookie of ours: tasty-biscuit-cookie
        "#;
        let text = redact(page, &["tasty-biscuit-cookie", ""]);
        for secret in [
            "Johanna",
            "johanna",
            "Springfield",
            "secret",
            "SECRET",
            "1234567",
            "7654321",
            "203.0.113.7",
            "eyJhbG",
            "biscuit",
        ] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
        for kept in ["glow-ingress-line1", "asin=B08PZHYWJS", "nav-line-1", "session-id", "<script>"] {
            assert!(text.contains(kept), "{kept} in {text}");
        }
    }

    #[test]
    fn what_shows_the_shape_of_the_page_stays() {
        let page = r#"<div id="corePriceDisplay_desktop_feature_div" class="a-section a-spacing-none aok-align-center aok-relative">
            <span class="a-price aok-align-center reinventPricePriceToPayMargin priceToPay">1.234,56 €</span>
            <img src="https://m.media-amazon.com/images/I/71o8Q5XJS5L._AC_SL1500_.jpg"><input type="hidden" name="ASIN" value="B08PZHYWJS">
            <th>ASIN</th><td>B08PZHYWJS</td><title>Kopfhörer – schwarz</title>"#;
        assert_eq!(redact(page.as_bytes(), &[]), page);
    }

    #[test]
    fn bytes_that_are_no_text_are_replaced() {
        assert_eq!(redact(b"a\xffb", &[]), "a\u{fffd}b");
    }
}
