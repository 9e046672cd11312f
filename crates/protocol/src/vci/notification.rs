//! Notifications: what became of credentials after they were delivered (OpenID4VCI 1.0 §11).

use enishi_credential::encoding::json;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::oauth::{ErrorCode, OAuthError};

/// What happened; the names are case-sensitive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotificationEvent {
    /// All credentials were stored.
    CredentialAccepted,
    /// At least one was not.
    CredentialFailure,
    /// The person did away with them.
    CredentialDeleted,
}

/// A notification. The description is for logs of the issuer and is not kept here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Notification {
    /// From the credential response.
    pub notification_id: String,
    /// What happened.
    pub event: NotificationEvent,
}

impl Notification {
    /// Reads a notification (server side).
    ///
    /// # Errors
    /// `invalid_notification_request` for a missing id, and for an unknown event.
    pub fn parse(body: &[u8]) -> Result<Self, OAuthError> {
        let refuse = |text: &str| OAuthError::new(ErrorCode::InvalidNotificationRequest, text);
        let value = json::parse(body).map_err(|_| refuse("the body is not a JSON object"))?;
        let notification_id = value
            .get("notification_id")
            .and_then(Value::as_str)
            .ok_or_else(|| refuse("`notification_id` is missing"))?
            .to_owned();
        let event = value
            .get("event")
            .cloned()
            .and_then(|event| serde_json::from_value(event).ok())
            .ok_or_else(|| refuse("`event` is missing or unknown"))?;
        Ok(Self { notification_id, event })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn vci_n17_unknown_events_are_refused() {
        let good =
            Notification { notification_id: "n".to_owned(), event: NotificationEvent::CredentialAccepted };
        assert_eq!(Notification::parse(&serde_json::to_vec(&good).unwrap()).unwrap(), good);
        for bad in [
            "",
            "{}",
            r#"{"notification_id":"n"}"#,
            r#"{"notification_id":"n","event":"CREDENTIAL_ACCEPTED"}"#,
            r#"{"notification_id":1,"event":"credential_accepted"}"#,
        ] {
            let error = Notification::parse(bad.as_bytes()).unwrap_err();
            assert_eq!(error.code, ErrorCode::InvalidNotificationRequest, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn parsing_never_panics(body: Vec<u8>) {
            let _ = Notification::parse(&body);
        }
    }
}
