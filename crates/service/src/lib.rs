//! What every Enishi server shares: configuration, storage, HTTP chassis, telemetry, guarded HTTP client, keys, audit
