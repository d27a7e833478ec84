//! Spanish: es, com.mx; also the USA.

use super::Language;

pub(super) const SPANISH: Language = Language {
    code: "es",
    unavailable: &["no disponible", "actualmente no disponible", "no está disponible", "producto no disponible", "ya no está disponible"],
    out_of_stock: &["temporalmente sin stock", "sin stock", "agotado", "temporalmente fuera de stock", "fuera de stock", "sin existencias", "temporalmente agotado"],
    preorder: &["sale a la venta el", "se lanzará el", "será publicado", "disponible a partir del", "reserva", "preventa", "pre-venta", "este producto se lanzará", "estará disponible el"],
    low_stock: &["queda(n) #", "quedan #", "queda #", "sólo queda", "solo queda", "sólo hay #", "solo hay #", "últimas # unidades"],
    in_stock: &["en stock", "disponible", "se envía", "envío en", "normalmente se envía", "normalmente enviado", "hay existencias", "envíos desde y"],
    no_featured_offer: &["ver todas las opciones de compra", "ver todas las opciones", "no hay ofertas destacadas", "disponible a través de estos vendedores", "disponible por estos vendedores", "no hay ofertas recomendadas"],
    used: &["de segunda mano", "segunda mano", "usado", "colección"],
    rank_headings: &["clasificación en los más vendidos", "más vendidos de amazon", "clasificación en los", "ranking de los más vendidos"],
    rank_in: &["en"],
    sold_by: &["vendido y enviado por", "enviado y vendido por", "enviado desde y vendido por", "se vende y envía por", "vendido por"],
    sold_by_end: &[" y enviado por", " y gestionado por", " y es enviado", ". se puede envolver", " y enviado desde", ". puede enviarse"],
    seller_labels: &["vendido por", "remitente / vendedor", "vendedor", "enviado y vendido por", "enviado desde y vendido por"],
    store: &[("visita la tienda de ", ""), ("visitar la tienda de ", ""), ("visita la store de ", ""), ("visita la tienda ", "")],
    brand_labels: &["marca", "nombre de la marca"],
    not_list_price: &["compra única", "una sola compra", "precio único", "precio nuevo", "estado nuevo"],
    savings: &["ahorras", "ahorro", "te ahorras"],
    maximum_first: &[],
    captcha: &["introduce los caracteres", "escribe los caracteres", "haz clic en el botón", "haz clic en el botón de abajo para continuar", "seguir comprando", "continuar comprando"],
    not_found: &["página no encontrada", "no hemos podido encontrar esa página", "¿buscas algo?", "no pudimos encontrar esa página", "documento no encontrado"],
    sign_in: &["iniciar sesión", "inicio de sesión"],
    error: &["lo sentimos", "se ha producido un error"],
    bestsellers: &["los más vendidos: ", "más vendidos: ", "más vendidos en"],
};
