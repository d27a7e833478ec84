//! French: fr, com.be; also Canada.

use super::Language;

pub(super) const FRENCH: Language = Language {
    code: "fr",
    unavailable: &["actuellement indisponible", "indisponible actuellement", "n'est plus disponible", "non disponible", "article indisponible"],
    out_of_stock: &["temporairement en rupture", "en rupture de stock", "rupture de stock", "temporairement indisponible", "épuisé"],
    preorder: &["cet article paraîtra", "sera disponible le", "précommande", "pré-commande", "paraîtra le", "pas encore paru", "sortira le", "précommandez"],
    low_stock: &["il ne reste plus que #", "plus que #", "seulement # en stock", "il reste #"],
    in_stock: &["en stock", "habituellement expédié", "expédié sous", "expédition sous", "généralement expédié", "disponible sous", "disponible à l'expédition", "disponible immédiatement"],
    no_featured_offer: &["voir toutes les options d'achat", "voir les options d'achat", "aucune offre mise en avant", "disponible auprès de ces vendeurs", "disponible chez ces vendeurs", "voir tous les choix d'achat"],
    used: &["d'occasion", "occasion", "collection"],
    rank_headings: &["classement des meilleures ventes", "rang parmi les meilleures ventes"],
    rank_in: &["en", "dans"],
    sold_by: &["expédié et vendu par", "vendu et expédié par", "expédié par amazon et vendu par", "vendu par"],
    sold_by_end: &[" et expédié par", ". emballage", " et livré par"],
    seller_labels: &["vendu par", "expéditeur / vendeur", "vendeur", "expédié et vendu par"],
    store: &[("visiter la boutique ", ""), ("visitez la boutique ", ""), ("visiter le store ", ""), ("consulter la boutique ", "")],
    brand_labels: &["marque", "nom de marque"],
    not_list_price: &["achat unique", "prix neuf", "état neuf", "prix unique", "achat ponctuel"],
    savings: &["vous économisez", "économie", "économisez"],
    maximum_first: &[],
    captcha: &["saisissez les caractères", "entrez les caractères", "cliquez sur le bouton ci-dessous pour continuer", "continuer les achats", "continuer vos achats"],
    not_found: &["page introuvable", "page non trouvée", "vous recherchez quelque chose", "n'avons pas pu trouver cette page"],
    sign_in: &["s'identifier", "identifiez-vous", "connexion amazon", "amazon connexion"],
    error: &["toutes nos excuses", "nous sommes désolés", "désolé !", "une erreur s'est produite", "une erreur est survenue"],
    bestsellers: &["meilleures ventes: ", "meilleures ventes : ", "les meilleures ventes", "meilleures ventes en"],
};
