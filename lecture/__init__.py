"""The lecture, redone: `make lecture` trains its nets and writes one page with a ledger of claims."""
