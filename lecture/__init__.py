"""The lecture, redone: `make lecture` trains its nets and writes one illustrated page with a ledger of claims."""
