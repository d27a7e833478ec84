//! Swedish: se.

use super::Language;

pub(super) const SWEDISH: Language = Language {
    code: "sv",
    unavailable: &["för närvarande inte tillgänglig", "ej tillgänglig", "inte tillgänglig för närvarande", "inte längre tillgänglig", "inte tillgänglig", "för närvarande otillgänglig"],
    out_of_stock: &["tillfälligt slut", "slut i lager", "slutsåld", "inte i lager", "ej i lager"],
    preorder: &["denna artikel släpps", "släpps den", "förbeställ", "förhandsbeställ", "kommer att släppas", "lanseras den"],
    low_stock: &["endast # i lager", "endast # kvar", "bara # kvar", "bara # i lager", "endast #", "# kvar i lager"],
    in_stock: &["i lager", "skickas vanligtvis", "skickas inom", "levereras inom", "finns i lager", "tillgänglig"],
    no_featured_offer: &["se alla köpalternativ", "visa alla köpalternativ", "inga utvalda erbjudanden", "inga framhävda erbjudanden", "tillgänglig från dessa säljare"],
    used: &["begagnad", "begagnat", "samlarobjekt"],
    rank_headings: &["rangordning för bästsäljare", "bästsäljare rangordning", "placering på bästsäljarlistan", "bästsäljarlista", "bästsäljare-rang", "amazon bästsäljar"],
    rank_in: &["i", "inom"],
    sold_by: &["skickas från och säljs av", "levereras och säljs av", "säljs och skickas av", "skickas och säljs av", "säljs av"],
    sold_by_end: &[" och skickas av", " och levereras av", " och hanteras av", ". presentinslagning"],
    seller_labels: &["säljs av", "avsändare / säljare", "säljare", "skickas från och säljs av"],
    store: &[("besök ", "-butiken"), ("besök ", " butiken"), ("besök ", "-store"), ("gå till ", "-butiken"), ("besök butiken ", "")],
    brand_labels: &["varumärke", "märke"],
    not_list_price: &["engångsköp", "engångspris", "nypris", "nyskick"],
    savings: &["du sparar", "besparing"],
    maximum_first: &[],
    captcha: &["ange tecknen", "skriv in tecknen", "klicka på knappen nedan för att fortsätta", "fortsätt handla", "fortsätt shoppa"],
    not_found: &["sidan hittades inte", "sidan kunde inte hittas", "vi kunde inte hitta sidan", "letar du efter något"],
    sign_in: &["logga in"],
    error: &["något gick fel", "vi beklagar", "ett fel uppstod", "tyvärr!"],
    bestsellers: &["bästsäljare: ", "bästsäljare i", "bästsäljare inom"],
};
