//! Pages served instead of a product page: robot check, 503 and 404.

use crate::domain::{Listing, Marketplace};

use super::super::phrases::Phrases;

/// The HTML comment for developers of automated clients in Amazon's error pages.
const COMMENT: &str = "<!--
        To discuss automated access to Amazon data please contact api-services-support@amazon.com.
        For information about migrating to our APIs refer to our Marketplace APIs at https://developer.amazonservices.com/ref=rm_c_sv
-->";

/// A robot check: "enter the characters", or the newer "continue shopping".
pub(in super::super) fn captcha(listing: Listing, with_image: bool) -> String {
    let Listing { marketplace, asin } = listing;
    let (title, question, puzzle) = if with_image {
        (
            "Robot Check".to_owned(),
            "<h4>Enter the characters you see below</h4>\n<p class=\"a-last\">Sorry, we just need to make sure you're not a robot. \
             For best results, please make sure your browser is accepting cookies.</p>",
            "<h4>Type the characters you see in this image:</h4>\n<div class=\"a-row a-text-center\">\
             <img src=\"https://images-na.ssl-images-amazon.com/captcha/simulated/Captcha_simulated.jpg\"></div>\n\
             <input autocomplete=\"off\" spellcheck=\"false\" placeholder=\"Type characters\" id=\"captchacharacters\" \
             name=\"field-keywords\" class=\"a-span12\" type=\"text\">",
        )
    } else {
        (
            format!("Amazon.{marketplace}"),
            "<h4>Click the button below to continue shopping</h4>",
            "<input type=\"hidden\" name=\"field-keywords\" value=\"SIMULA\">",
        )
    };
    format!(
        "<!DOCTYPE html>\n<html class=\"a-no-js\" lang=\"en-us\"><head>\n<meta http-equiv=\"content-type\" content=\"text/html; charset=UTF-8\">\n\
         <meta charset=\"utf-8\">\n<title dir=\"ltr\">{title}</title>\n<meta name=\"viewport\" content=\"width=device-width\">\n\
         <script>ue_sn = \"opfcaptcha.amazon.{marketplace}\", ue_id = 'SIMULATED';</script>\n</head>\n<body>\n\n{COMMENT}\n\
         <!--\nCorreios.DoNotSend\n-->\n<div class=\"a-container a-padding-double-large\" style=\"min-width:350px;padding:44px 0 !important\">\n\
         <div class=\"a-box a-alert a-alert-info a-spacing-base\"><div class=\"a-box-inner\"><i class=\"a-icon a-icon-alert\"></i>\n{question}\n</div></div>\n\
         <form method=\"get\" action=\"/errors/validateCaptcha\" name=\"\">\n\
         <input type=hidden name=\"amzn\" value=\"c2ltdWxhdGVk\" /><input type=hidden name=\"amzn-r\" value=\"&#047;dp&#047;{asin}\" />\n{puzzle}\n\
         <span class=\"a-button a-button-primary a-span12\"><span class=\"a-button-inner\">\
         <button type=\"submit\" class=\"a-button-text\">Continue shopping</button></span></span>\n</form>\n</div>\n</body></html>\n",
    )
}

/// The error page with the dog, for status 503.
pub(in super::super) fn unavailable(marketplace: Marketplace) -> String {
    let sorry = Phrases::of(marketplace).sorry;
    let host = marketplace.host();
    format!(
        "<html>\n<head>\n<meta http-equiv=\"content-type\" content=\"text/html; charset=UTF-8\">\n<meta charset=\"utf-8\">\n\
         <title>\n503 - Service Unavailable Error\n</title>\n</head>\n<body bgcolor=\"#FFFFFF\" text=\"#000000\">\n{COMMENT}\n<center>\n\
         <a href=\"https://{host}/ref=cs_503_logo/\"><img src=\"https://images-eu.ssl-images-amazon.com/images/G/03/general/logo.gif\" \
         width=153 height=37 alt=\"Amazon.{marketplace}\" border=0></a>\n<h2>{sorry}</h2>\n\
         <b><a href=\"https://{host}/ref=cs_503_link/\">Amazon.{marketplace}</a></b>\n</center>\n</body>\n</html>\n",
    )
}

/// "We couldn't find that page", for status 404.
pub(in super::super) fn not_found() -> String {
    format!(
        "<!DOCTYPE html>\n<html>\n<head>\n<meta charset=\"utf-8\"/>\n<title>Page Not Found</title>\n</head>\n<body>\n{COMMENT}\
         <a href=\"/ref=cs_404_logo\"><img alt=\"Amazon\" id=\"b\" src=\"https://images-na.ssl-images-amazon.com/images/G/01/error/logo._TTD_.png\"/></a>\n\
         <div id=\"g\"><div><a href=\"/ref=cs_404_link\"><img alt=\"Sorry! We couldn't find that page. Try searching or go to Amazon's home page.\" \
         src=\"https://images-na.ssl-images-amazon.com/images/G/01/error/en_US/title._TTD_.png\"/></a></div>\n\
         <a href=\"/dogsofamazon\" rel=\"noopener noreferrer\" target=\"_blank\"><img alt=\"Dogs of Amazon\" id=\"d\"/></a></div>\n</body>\n</html>\n",
    )
}
