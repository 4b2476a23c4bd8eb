"""Pages of HTML with static charts, whatever they tell of."""
