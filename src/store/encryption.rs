//! Encryption of credentials in the database: AES-256-GCM. The id of the row is authenticated with the text, so that a text that is moved to
//! another row cannot be read.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{StoreError, StoreResult};
use crate::config::Secret;

const KEY_BYTES: usize = 32;
const VERSION: &str = "v1";

/// The keys of an installation: the first encrypts, all of them decrypt.
pub(super) struct EncryptionKeys(Vec<(String, LessSafeKey)>);

impl EncryptionKeys {
    /// Keys as Base64 of 32 bytes.
    pub fn new<'k>(keys: impl IntoIterator<Item = &'k Secret>) -> StoreResult<Self> {
        let keys = keys.into_iter().map(|key| {
            let wrong = || StoreError::Schema("an encryption key must be the Base64 of 32 bytes".to_owned());
            let bytes =
                BASE64.decode(key.reveal().trim()).ok().filter(|bytes| bytes.len() == KEY_BYTES).ok_or_else(wrong)?;
            let id = Sha256::digest(&bytes).iter().take(4).map(|byte| format!("{byte:02x}")).collect();
            Ok((id, LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &bytes).map_err(|_| wrong())?)))
        });
        Ok(Self(keys.collect::<StoreResult<_>>()?))
    }

    /// Encrypts a text that belongs to a row.
    pub fn encrypt(&self, text: &str, row: Uuid) -> StoreResult<String> {
        let failed = || StoreError::Schema("there is no encryption key".to_owned());
        let (id, key) = self.0.first().ok_or_else(failed)?;
        let nonce: [u8; NONCE_LEN] = rand::random();
        let mut sealed = text.as_bytes().to_vec();
        let aad = Aad::from(*row.as_bytes());
        key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut sealed).map_err(|_| failed())?;
        Ok(format!("{VERSION}.{id}.{}.{}", BASE64.encode(nonce), BASE64.encode(sealed)))
    }

    /// Decrypts a text that belongs to a row.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`]: it was changed, or its key is missing in the settings.
    pub fn decrypt(&self, sealed: &str, row: Uuid) -> StoreResult<String> {
        let corrupt = |what: &str| StoreError::Corrupt(format!("the credentials of {row}: {what}"));
        let parts: Vec<&str> = sealed.split('.').collect();
        let [VERSION, id, nonce, text] = parts[..] else { return Err(corrupt("unknown form")) };
        let (_, key) = self
            .0
            .iter()
            .find(|(known, _)| known == id)
            .ok_or_else(|| corrupt("their key is not among database.encryption_keys"))?;
        let nonce = BASE64.decode(nonce).ok().and_then(|nonce| Nonce::try_assume_unique_for_key(&nonce).ok());
        let (nonce, mut text) = nonce.zip(BASE64.decode(text).ok()).ok_or_else(|| corrupt("malformed"))?;
        let plain = key.open_in_place(nonce, Aad::from(*row.as_bytes()), &mut text).map_err(|_| corrupt("changed"))?;
        String::from_utf8(plain.to_vec()).map_err(|_| corrupt("not a text"))
    }
}

impl fmt::Debug for EncryptionKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EncryptionKeys")
    }
}

/// A new key, as Base64.
pub(super) fn new_key() -> String {
    BASE64.encode(rand::random::<[u8; KEY_BYTES]>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_read_by_its_key_in_its_row_alone_and_keys_can_be_rotated() {
        let secrets = [Secret::from(new_key()), Secret::from(new_key())];
        let old = EncryptionKeys::new([&secrets[0]]).unwrap();
        let rotated = EncryptionKeys::new([&secrets[1], &secrets[0]]).unwrap();
        let row = Uuid::from_u128(7);
        let sealed = old.encrypt("token", row).unwrap();
        assert!(!sealed.contains("token"));
        assert_eq!(rotated.decrypt(&sealed, row).unwrap(), "token");
        assert!(old.decrypt(&sealed, Uuid::from_u128(8)).is_err());
        assert!(old.decrypt(&rotated.encrypt("token", row).unwrap(), row).is_err());
        assert!(old.decrypt("v1.x", row).is_err());
        assert!(EncryptionKeys::new([&Secret::from("short")]).is_err());
    }
}
