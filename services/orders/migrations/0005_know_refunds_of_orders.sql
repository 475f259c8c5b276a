-- Some platforms say of a refund only the order and the amount, not the coupons.
-- squawk-ignore ban-drop-constraint
ALTER TABLE observations DROP CONSTRAINT observation_kind_is_known;
ALTER TABLE observations ADD CONSTRAINT observation_kind_is_known CHECK (kind IN (
    'order_created', 'order_paid', 'order_closed', 'order_settled', 'order_refunding',
    'order_refund_rejected', 'order_refunded', 'coupon_available', 'coupon_redeemed',
    'coupon_redemption_cancelled', 'coupon_refunding', 'coupon_refund_rejected',
    'coupon_refunded', 'coupon_closed'
)) NOT VALID;
-- The platform's id of the refund, which tells two of one order apart.
ALTER TABLE observations ADD COLUMN refund_id text;
