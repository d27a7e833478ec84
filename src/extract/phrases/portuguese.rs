//! Portuguese: com.br; also es by choice.

use super::Language;

pub(super) const PORTUGUESE: Language = Language {
    code: "pt",
    unavailable: &["não disponível", "atualmente indisponível", "indisponível", "de momento indisponível", "não está disponível"],
    out_of_stock: &["temporariamente sem estoque", "temporariamente fora de estoque", "fora de estoque", "sem estoque", "esgotado", "temporariamente sem stock", "sem stock", "fora de stock"],
    preorder: &["este item será lançado", "será lançado", "pré-venda", "pre-venda", "pré-encomenda", "pré-encomende", "lançamento em", "ainda não foi lançado"],
    low_stock: &["só resta #", "restam #", "resta #", "apenas # em estoque", "apenas # em stock", "apenas # no estoque", "só há #", "restam apenas #", "somente # em"],
    in_stock: &["em estoque", "em stock", "disponível", "normalmente enviado", "enviado em", "geralmente enviado", "envio em", "envia-se em"],
    no_featured_offer: &["ver todas as opções de compra", "ver todas as opções", "nenhuma oferta em destaque", "disponível por meio destes vendedores", "disponível com estes vendedores", "não há ofertas em destaque", "nenhuma oferta disponível em destaque"],
    used: &["usado", "colecionável", "segunda mão"],
    rank_headings: &["ranking dos mais vendidos", "classificação dos produtos mais vendidos", "classificação dos mais vendidos", "mais vendidos da amazon", "mais vendidos na amazon", "classificação nos mais vendidos"],
    rank_in: &["em", "na categoria", "na", "no"],
    sold_by: &["enviado e vendido por", "vendido e enviado por", "enviado de e vendido por", "vendido e entregue por", "vendido por"],
    sold_by_end: &[" e enviado por", " e entregue por", " e processado", ". embalagem", " e expedido"],
    seller_labels: &["vendido por", "remetente / vendedor", "vendedor", "enviado e vendido por"],
    store: &[("visite a loja da ", ""), ("visite a loja do ", ""), ("visite a loja de ", ""), ("visite a loja ", "")],
    brand_labels: &["marca", "nome da marca"],
    not_list_price: &["compra única", "preço único", "preço novo", "condição nova"],
    savings: &["você economiza", "economize", "poupa", "poupança"],
    maximum_first: &[],
    captcha: &["digite os caracteres", "insira os caracteres", "introduza os caracteres", "clique no botão abaixo para continuar", "continuar comprando", "continuar a comprar"],
    not_found: &["página não encontrada", "não foi possível encontrar", "não encontramos esta página", "procurando por alguma coisa", "procurando algo"],
    sign_in: &["fazer login", "iniciar sessão", "acessar amazon", "login da amazon"],
    error: &["desculpe", "lamentamos", "algo deu errado", "ocorreu um erro"],
    bestsellers: &["mais vendidos: ", "os mais vendidos", "mais vendidos em"],
};
