//! What a `User-Agent` says, in the few words by which people recognise their devices.

/// Parts of a `User-Agent`, and what they stand for: the first that is found counts, because browsers name those that they resemble too.
const BROWSERS: &[(&str, &str)] =
    &[("Edg", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari")];
const SYSTEMS: &[(&str, &str)] = &[
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
];
const MAX_CHARS: usize = 40;

/// `Firefox, Windows`; the name of a program that is no browser.
pub(super) fn client_of(agent: &str) -> String {
    let first =
        |known: &[(&str, &'static str)]| known.iter().find(|(part, _)| agent.contains(part)).map(|(_, name)| *name);
    match (first(BROWSERS), first(SYSTEMS)) {
        (Some(browser), Some(system)) => format!("{browser}, {system}"),
        (Some(browser), None) => browser.to_owned(),
        (None, _) => agent.chars().take(MAX_CHARS).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::client_of;

    #[test]
    fn browsers_and_programs_are_told_apart() {
        let chrome =
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36";
        assert_eq!(client_of(chrome), "Chrome, Linux");
        assert_eq!(client_of(&format!("{chrome} Edg/156.0.0.0")), "Edge, Linux");
        let iphone = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
                      Version/18.0 Mobile/15E148 Safari/604.1";
        assert_eq!(client_of(iphone), "Safari, iPhone");
        let firefox = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0";
        assert_eq!(client_of(firefox), "Firefox, Windows");
        assert_eq!(client_of("curl/8.5.0"), "curl/8.5.0");
        assert_eq!(client_of(&"ä".repeat(300)).chars().count(), 40);
    }
}
