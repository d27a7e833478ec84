//! Turkish: com.tr.

use super::Language;

pub(super) const TURKISH: Language = Language {
    code: "tr",
    unavailable: &["şu anda mevcut değil", "su anda mevcut degil", "mevcut değil", "artık mevcut değil", "şu an mevcut değil"],
    out_of_stock: &["geçici olarak stokta yok", "geçici olarak temin edilemiyor", "stokta yok", "stoklarımızda yok", "tükendi", "stok tükendi"],
    preorder: &["ön sipariş", "tarihinde çıkacak", "tarihinde yayınlanacak", "tarihinde piyasaya", "piyasaya çıkacak", "henüz yayınlanmadı"],
    low_stock: &["stokta sadece # adet", "sadece # adet kaldı", "yalnızca # adet", "son # adet", "stokta # adet kaldı", "sadece # adet", "stokta yalnızca #", "stokta sadece #"],
    in_stock: &["stokta var", "stokta", "genellikle", "içinde kargoya", "kargoya verilir", "gönderilir", "satışta"],
    no_featured_offer: &["tüm satın alma seçenekleri", "satın alma seçeneklerini gör", "öne çıkan teklif yok", "öne çıkan teklif bulunmamaktadır", "bu satıcılardan temin edilebilir"],
    used: &["ikinci el", "kullanılmış"],
    rank_headings: &["en çok satanlar sıralaması", "çok satanlar sıralaması", "en çok satanlar sırası", "en çok satanlar"],
    rank_in: &["içinde", "kategorisinde"],
    sold_by: &["gönderici ve satıcı:", "satıcı ve gönderici:", "satıcı:", "satan:"],
    sold_by_end: &[" ve gönderici", " tarafından", ". hediye", " gönderici:"],
    seller_labels: &["satıcı", "gönderici / satıcı", "satan", "gönderen / satıcı"],
    store: &[("", " store'u ziyaret edin"), ("", " mağazasını ziyaret edin"), ("", " mağazasını ziyaret et"), ("", " store’u ziyaret edin"), ("", " store'unu ziyaret edin")],
    brand_labels: &["marka", "marka adı"],
    not_list_price: &["tek seferlik", "yeni fiyatı", "yeni durum"],
    savings: &["kazancınız", "tasarruf", "indirim"],
    maximum_first: &["5 yıldız üzerinden", "5 üzerinden"],
    captcha: &["aşağıda gördüğünüz karakterleri", "karakterleri girin", "alışverişe devam etmek için", "alışverişe devam et"],
    not_found: &["sayfa bulunamadı", "bu sayfayı bulamadık", "bir şey mi arıyorsunuz", "aradığınız sayfa"],
    sign_in: &["giriş yap", "giriş yapın", "oturum aç"],
    error: &["üzgünüz", "bir hata oluştu", "bir sorun oluştu", "özür dileriz"],
    bestsellers: &["çok satanlar: ", "en çok satanlar", "çok satanlar"],
};
